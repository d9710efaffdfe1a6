"""The options of trusting the network, spelt as the guide's section 1 spells them.

`auth.bypass_paths` stands beside them in the guide; it opens routes, so the core's guard reads it.
"""

from st_core.contracts import Setting

SETTINGS = [
    Setting(
        "network.trust_proxy_headers",
        bool,
        False,
        "Believe X-Forwarded-For, X-Real-IP, X-Forwarded-Proto and X-Forwarded-Host when a trusted "
        "proxy sends them. A proxy on this machine (loopback) is trusted then.",
        named_by_guide=True,
    ),
    Setting(
        "network.trusted_proxies",
        list[str],
        [],
        "Addresses and networks of proxies on other machines (`10.0.0.0/8`).",
        named_by_guide=True,
    ),
    Setting(
        "network.bypass_auth_for_internal",
        bool,
        False,
        "Let callers from `network.internal_networks` in without signing in.",
        named_by_guide=True,
    ),
    Setting(
        "network.internal_networks",
        list[str],
        [],
        "Networks of callers that need not sign in (`10.10.0.0/16`). Whoever calls from there is a "
        "caller, never a proxy for others.",
        named_by_guide=True,
    ),
    Setting(
        "network.bypass_level",
        str,
        "viewer",
        "Level of callers that are let in by their network; never admin.",
        named_by_guide=True,
    ),
    Setting(
        "network.bypass_hosts",
        list[str],
        [],
        "Host names under which such callers may reach this server, besides IP addresses, names "
        "without a dot and names in `.internal` and `.localhost`. A page of any other name could "
        "be a stranger's whose name was pointed here.",
        named_by_guide=True,
    ),
]
