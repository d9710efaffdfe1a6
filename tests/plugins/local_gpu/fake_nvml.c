/* Stands in for NVIDIA's driver library libnvidia-ml.so.1 on machines without a GPU. The product is the
 * real one: it calls the real nvidia-ml-py, which loads this library instead of the driver's.
 * Compiled against NVIDIA's own nvml.h (PyPI nvidia-nvml-dev-cu12): a wrong prototype does not compile.
 *
 * The inventory is a text file named by $FAKE_NVML, read again on every call; one GPU per line:
 *   name|uuid|total_mib|used_mib|util|temp_c|power_mw|state|pid:mib,…|mig_uuid:mib[:pid],…|throttle_bits
 * A field that is "-" is one this card does not support; a process with mib "-" has unknown memory.
 * state: ok, or lost (every question is answered GPU_IS_LOST). A line "!init N" lets nvmlInit answer N.
 */
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include "nvml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, UUID, TOTAL, USED, UTIL, TEMP, POWER, STATE, PROCS, MIG, THROTTLE, FIELDS };
typedef struct { char field[FIELDS][512]; } Card;
typedef struct { unsigned card, pid; char uuid[96]; unsigned long long mib; } Part;

static Card cards[64];
static Part parts[64];
static unsigned card_count, part_count;
static int init_code, is_open;

static void load_parts(unsigned card) {
    char text[512], *rest = text, *one;
    snprintf(text, sizeof text, "%s", cards[card].field[MIG]);
    while (part_count < 64 && (one = strsep(&rest, ",")) && *one) {
        Part *part = &parts[part_count++];
        memset(part, 0, sizeof *part);
        part->card = card;
        char *uuid = strsep(&one, ":"), *mib = strsep(&one, ":");
        snprintf(part->uuid, sizeof part->uuid, "%s", uuid);
        part->mib = mib ? strtoull(mib, 0, 10) : 0;
        part->pid = one ? (unsigned)atoi(one) : 0;
    }
}

static void load(void) {
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : 0;
    char line[4096];
    card_count = part_count = 0;
    init_code = path && !file ? NVML_ERROR_DRIVER_NOT_LOADED : 0;
    if (!file) return;
    while (card_count < 64 && fgets(line, sizeof line, file)) {
        if (sscanf(line, "!init %d", &init_code) == 1 || *line == '#' || *line == '\n') continue;
        line[strcspn(line, "\n")] = 0;
        Card *card = &cards[card_count];
        memset(card, 0, sizeof *card);
        char *rest = line, *one;
        for (int k = 0; k < FIELDS && (one = strsep(&rest, "|")); k++)
            snprintf(card->field[k], sizeof card->field[k], "%s", one);
        load_parts(card_count++);
    }
    fclose(file);
}

/* Handles: 1… are cards, 1001… are parts. */
#define CARD(i) ((nvmlDevice_t)(size_t)((i) + 1))
#define PART(i) ((nvmlDevice_t)(size_t)((i) + 1001))
static Part *part_of(nvmlDevice_t d) { return (size_t)d > 1000 ? &parts[(size_t)d - 1001] : 0; }

static nvmlReturn_t find(nvmlDevice_t d, Card **card) {
    if (!is_open) return NVML_ERROR_UNINITIALIZED;
    load();
    size_t i = part_of(d) ? part_of(d)->card : (size_t)d - 1;
    if (i >= card_count) return NVML_ERROR_GPU_IS_LOST;
    *card = &cards[i];
    return strcmp(cards[i].field[STATE], "lost") ? NVML_SUCCESS : NVML_ERROR_GPU_IS_LOST;
}
#define DEVICE Card *c; nvmlReturn_t r = find(d, &c); if (r) return r
#define NUMBER(k) do { if (*c->field[k] == '-' || !*c->field[k]) return NVML_ERROR_NOT_SUPPORTED; } while (0)

static nvmlReturn_t say(char *out, unsigned len, const char *text) {
    if (strlen(text) >= len) return NVML_ERROR_INSUFFICIENT_SIZE;
    strcpy(out, text);
    return NVML_SUCCESS;
}

nvmlReturn_t nvmlInitWithFlags(unsigned int flags) { (void)flags; load(); is_open = !init_code; return init_code; }
nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
nvmlReturn_t nvmlShutdown(void) { is_open = 0; return NVML_SUCCESS; }
const char *nvmlErrorString(nvmlReturn_t r) {
    return r == NVML_ERROR_GPU_IS_LOST ? "GPU is lost" : r == NVML_ERROR_UNKNOWN ? "Unknown Error" : "some error";
}
nvmlReturn_t nvmlSystemGetDriverVersion(char *v, unsigned int len) { return say(v, len, "570.00.fake"); }
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *n) {
    if (!is_open) return NVML_ERROR_UNINITIALIZED;
    load();
    *n = card_count;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int i, nvmlDevice_t *d) {
    Card *c;
    *d = CARD(i);
    return find(*d, &c);
}
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *out, unsigned int len) { DEVICE; return say(out, len, c->field[NAME]); }
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *out, unsigned int len) {
    DEVICE;
    return say(out, len, part_of(d) ? part_of(d)->uuid : c->field[UUID]);
}
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *m) {
    DEVICE;
    NUMBER(USED);
    m->total = (part_of(d) ? part_of(d)->mib : strtoull(c->field[TOTAL], 0, 10)) << 20;
    m->used = part_of(d) ? 0 : strtoull(c->field[USED], 0, 10) << 20;
    m->free = m->total - m->used;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *u) {
    DEVICE;
    NUMBER(UTIL);
    if (part_of(d) || *c->field[MIG]) return NVML_ERROR_NOT_SUPPORTED;
    u->gpu = u->memory = (unsigned)atoi(c->field[UTIL]);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t s, unsigned int *t) {
    (void)s;
    DEVICE;
    NUMBER(TEMP);
    *t = (unsigned)atoi(c->field[TEMP]);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned int *p) {
    DEVICE;
    NUMBER(POWER);
    *p = (unsigned)atoi(c->field[POWER]);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t d, unsigned long long *bits) {
    DEVICE;
    NUMBER(THROTTLE);
    *bits = strtoull(c->field[THROTTLE], 0, 16);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t d, int *major, int *minor) {
    DEVICE;
    *major = 9;
    *minor = 0;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t d, nvmlPciInfo_t *p) {
    DEVICE;
    memset(p, 0, sizeof *p);
    p->bus = (unsigned)(c - cards) + 1;
    snprintf(p->busId, sizeof p->busId, "00000000:%02X:00.0", p->bus);
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned int *now, unsigned int *next) {
    DEVICE;
    if (part_of(d)) return NVML_ERROR_INVALID_ARGUMENT;
    *now = *next = *c->field[MIG] != 0;
    return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t d, unsigned int *n) { DEVICE; *n = *c->field[MIG] ? 7 : 0; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t d, unsigned int i, nvmlDevice_t *out) {
    DEVICE;
    for (unsigned k = 0; k < part_count; k++)
        if (parts[k].card == (unsigned)(c - cards) && i-- == 0) { *out = PART(k); return NVML_SUCCESS; }
    return NVML_ERROR_NOT_FOUND;
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t d, unsigned int *n, nvmlProcessInfo_t *out) {
    DEVICE;
    char text[512], *rest = text, *one;
    unsigned room = *n;
    if (part_of(d)) snprintf(text, sizeof text, part_of(d)->pid ? "%u:0" : "", part_of(d)->pid);
    else snprintf(text, sizeof text, "%s", c->field[PROCS]);
    for (*n = 0; (one = strsep(&rest, ",")) && *one; (*n)++) {
        char *pid = strsep(&one, ":");
        if (!out || *n >= room) continue;
        memset(&out[*n], 0, sizeof *out);
        out[*n].pid = (unsigned)atoi(pid);
        out[*n].usedGpuMemory = one && *one == '-' ? (unsigned long long)NVML_VALUE_NOT_AVAILABLE : strtoull(one ? one : "0", 0, 10) << 20;
        out[*n].gpuInstanceId = out[*n].computeInstanceId = 0xFFFFFFFF;
    }
    return *n && (!out || room < *n) ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
