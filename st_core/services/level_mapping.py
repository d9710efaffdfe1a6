"""What a provider's groups mean here: which of them give which level.

Both spellings are taken, `{level: [groups]}` and `{group: [levels]}` (guide section 4); the first
is what is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..errors import Malformed

FIELD = "level_mapping"


def normalised(
    given: Mapping[str, str | list[str]], levels: Collection[str]
) -> dict[str, list[str]]:
    """Return `given` as level → groups; `levels` are the names there are.

    Raises Malformed when neither its keys nor its values are all levels, or when it could be read
    both ways and would mean different things.
    """
    read = {key: [one] if isinstance(one, str) else list(one) for key, one in given.items()}
    if any(not group.strip() for groups in read.values() for group in (*groups, *read)):
        raise _wrong("a group or level has no name")
    by_level, by_group = read, _turned(read)
    is_by_level, is_by_group = set(by_level) <= set(levels), set(by_group) <= set(levels)
    if is_by_level and is_by_group and _sets(by_level) != _sets(by_group):
        raise _wrong(
            "it can be read as levels with their groups and as groups with their levels; name a "
            "group that is not called like a level, or write both ways round"
        )
    if is_by_level:
        return {level: list(dict.fromkeys(groups)) for level, groups in by_level.items()}
    if is_by_group:
        return by_group
    unknown = min(set(by_level) - set(levels), set(by_group) - set(levels), key=len)
    raise _wrong(
        f"there is no level {', '.join(map(repr, sorted(unknown)))}. There are: "
        f"{', '.join(sorted(levels))}"
    )


def levels_of(groups: Iterable[str], mapping: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the levels that these groups give, spelt exactly as in `mapping`."""
    held = set(groups)
    return [level for level, wanted in mapping.items() if held & set(wanted)]


def _turned(mapping: Mapping[str, list[str]]) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = {}
    for key, values in mapping.items():
        for value in values:
            turned.setdefault(value, []).append(key)
    return turned


def _sets(mapping: Mapping[str, list[str]]) -> dict[str, set[str]]:
    return {key: set(values) for key, values in mapping.items() if values}


def _wrong(why: str) -> Malformed:
    return Malformed(f"{FIELD}: {why}.", fields=[{"path": FIELD, "message": why}])
