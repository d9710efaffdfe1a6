"""A real OpenLDAP server with two directories: one of Unix people, one shaped like Active
Directory.

`dc=example,dc=org` has inetOrgPerson people and groupOfNames groups, some in each other;
`dc=corp,dc=com` has Active Directory's own classes, from Debian's msuser.schema, and the names of
the guide (section 4). It answers on ldap:// (with StartTLS) and ldaps://, and lets nobody search
anonymously.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ldap3

from .certificates import Authority
from .service import Missing, Service, answers, free_ports

PROGRAM = Path("/usr/sbin/slapd")
ORG, AD = "dc=example,dc=org", "dc=corp,dc=com"
ADMIN_PASSWORD = "admin-secret"
SERVICE_PASSWORD = "service-secret"

_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
include {folder}/msuser.schema
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSCACertificateFile {bundle}
disallow bind_anon
sizelimit 500
{databases}
"""
_DATABASE = """
database mdb
suffix "{suffix}"
rootdn "cn=admin,{suffix}"
rootpw {password}
directory {folder}/{name}
maxsize 67108864
dbnosync
index objectClass,uid,cn,mail,member,memberOf,sAMAccountName,userPrincipalName,entryUUID eq
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
overlay memberof
memberof-group-oc {group_class}
memberof-member-ad member
memberof-refint TRUE
"""
#: Syntaxes of msuser.schema → the matching rule it forgets, without which no filter matches.
_RULES = {
    "15": "caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch",
    "12": "distinguishedNameMatch",
    "27": "integerMatch",
    "40": "octetStringMatch",
    "26": "caseIgnoreIA5Match",
}
#: Active Directory's auxiliary class of everybody and every group; Debian's file leaves it out.
_PRINCIPAL = """
objectclass ( 1.2.840.113556.1.5.6 NAME 'securityPrincipal' SUP top AUXILIARY
 MUST sAMAccountName MAY ( objectSid $ sAMAccountType $ userPassword ) )
"""


class Slapd(Service):
    """The server, filled: alice (admins), bob (users), carol (none) in both directories."""

    name = "slapd"

    def __init__(self) -> None:
        super().__init__()
        self.authority = Authority(self.folder / "authority")

    def start(self) -> None:
        """Start it and fill both directories."""
        if not PROGRAM.exists():
            raise Missing("No OpenLDAP server: `apt-get install slapd`, or `make services`.")
        self.port, self.tls_port = free_ports(2)
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_url = f"ldaps://127.0.0.1:{self.tls_port}"
        conf = self.write("slapd.conf", self._conf())
        listen = f"{self.url}/ {self.tls_url}/"
        self.spawn([PROGRAM, "-f", conf, "-d", "0", "-h", listen])
        self.wait(lambda: answers(self.tls_port))
        self._fill_org()
        self._fill_ad()

    def admin(self, suffix: str = ORG) -> ldap3.Connection:
        """Return a connection that may change a directory."""
        return ldap3.Connection(
            ldap3.Server(self.url, get_info=ldap3.NONE),
            f"cn=admin,{suffix}",
            ADMIN_PASSWORD,
            auto_bind=True,
            raise_exceptions=True,
        )

    def add_person(self, uid: str, **attributes: Any) -> str:
        """Add somebody to the directory of Unix people and return their DN."""
        dn = f"uid={uid},ou=people,{ORG}"
        values = {"cn": uid.title(), "sn": "Test", "mail": f"{uid}@example.org"}
        with self.admin() as directory:
            values |= {"userPassword": f"{uid}-pw"} | attributes
            directory.add(dn, "inetOrgPerson", values)
        return dn

    def remove(self, dn: str, suffix: str = ORG) -> None:
        """Delete an entry."""
        with self.admin(suffix) as directory:
            directory.delete(dn)

    def set_members(self, group: str, members: list[str]) -> str:
        """Make a group of Unix people have exactly these members, by DN; return its own DN."""
        dn = f"cn={group},ou=groups,{ORG}"
        with self.admin() as directory:
            if directory.search(f"ou=groups,{ORG}", f"(cn={group})"):
                directory.delete(dn)
            directory.add(dn, "groupOfNames", {"member": members})
        return dn

    def _conf(self) -> str:
        databases = ""
        for name, suffix, group_class in (("org", ORG, "groupOfNames"), ("ad", AD, "group")):
            (self.folder / name).mkdir(mode=0o700)
            databases += _DATABASE.format(
                suffix=suffix,
                folder=self.folder,
                name=name,
                group_class=group_class,
                password=ADMIN_PASSWORD,
            )
        self.write("msuser.schema", _ad_schema())
        issued = self.authority.issue("localhost", "127.0.0.1", "ldap.example.org")
        return _CONF.format(
            folder=self.folder,
            certificate=issued.certificate,
            key=issued.key,
            bundle=self.authority.bundle,
            databases=databases,
        )

    def _fill_org(self) -> None:
        with self.admin() as directory:
            directory.add(ORG, ["dcObject", "organization"], {"o": "Example", "dc": "example"})
            for unit in ("people", "groups", "services"):
                directory.add(f"ou={unit},{ORG}", "organizationalUnit")
            directory.add(
                f"cn=svc,ou=services,{ORG}",
                ["organizationalRole", "simpleSecurityObject"],
                {"userPassword": SERVICE_PASSWORD},
            )
        for uid in ("alice", "bob", "carol"):
            self.add_person(uid, displayName=f"{uid.title()} of Example")
        people = {uid: f"uid={uid},ou=people,{ORG}" for uid in ("alice", "bob")}
        self.set_members("ml-users", [people["alice"], people["bob"]])
        self.set_members("ml-admins", [people["alice"]])

    def _fill_ad(self) -> None:
        every = {
            "instanceType": 4,
            "nTSecurityDescriptor": b"\x01",
            "objectCategory": f"cn=Person,cn=Schema,{AD}",
        }
        users, groups = f"ou=Users,{AD}", f"ou=Groups,{AD}"
        with self.admin(AD) as directory:
            directory.add(AD, ["dcObject", "organization"], {"o": "AD", "dc": "corp"})
            for unit in (users, groups, f"ou=Service Accounts,{AD}"):
                directory.add(unit, "organizationalUnit")
            directory.add(
                f"cn=svc-simpletuner,ou=Service Accounts,{AD}",
                ["organizationalRole", "simpleSecurityObject"],
                {"userPassword": "service-account-password"},
            )
            accounts = (("alice", 512), ("bob", 512), ("dave", 514))
            for name, control in accounts:  # 514 is a disabled account
                directory.add(
                    f"cn={name.title()} Smith,{users}",
                    ["user", "securityPrincipal"],
                    {
                        **every,
                        "sn": "Smith",
                        "sAMAccountName": name,
                        "userPrincipalName": f"{name}@corp.com",
                        "userPassword": f"{name}-pw",
                        "objectSid": b"\x01\x05" + name.encode(),
                        "userAccountControl": control,
                        "mail": f"{name}@corp.com",
                    },
                )
            for name, members in (
                ("ML-Users", [f"cn=Bob Smith,{users}"]),
                ("ML-Admins", [f"cn=Alice Smith,{users}"]),
                ("All-ML", [f"cn=ML-Users,{groups}", f"cn=ML-Admins,{groups}"]),
            ):
                directory.add(
                    f"cn={name},{groups}",
                    ["group", "securityPrincipal"],
                    {
                        **every,
                        "groupType": -2147483646,
                        "sAMAccountName": name,
                        "objectSid": b"\x01\x05" + name.encode(),
                        "member": members,
                    },
                )


def _ad_schema() -> str:
    """Return Debian's msuser.schema made fit to be searched."""
    text = Path("/etc/ldap/schema/msuser.schema").read_text("utf-8")
    text = text.replace("$ memberOf ", "", 1)  # the overlay's own, which no class may list
    return re.sub(r"(?ims)^attributetype \(.*?\)\s*?$", _with_rule, text) + _PRINCIPAL


def _with_rule(found: re.Match[str]) -> str:
    """Give an attribute's declaration its matching rule; memberOf is the overlay's."""
    declared = found[0]
    if re.search(r"NAME 'memberOf'", declared):
        return ""
    syntax = re.search(r"SYNTAX '([^']+)'", declared)
    if "EQUALITY" in declared or syntax is None:
        return declared
    number = {"MSADlargeInteger": "27"}.get(syntax[1], syntax[1].rsplit(".", 1)[-1])
    if number not in _RULES:
        return declared
    return declared.replace("SYNTAX", f"EQUALITY {_RULES[number]} SYNTAX", 1)
