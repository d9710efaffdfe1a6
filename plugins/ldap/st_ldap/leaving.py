"""Looking after people between their sign-ins: levels follow the directory's groups, and who is not
in the directory any more, or disabled there, is deactivated here.

Nobody is deactivated on a guess: the base of people must be there, the search must be answered
whole, and when nobody at all is found, something else is wrong.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from st_core.contracts import Service
from st_core.db import db
from st_core.services import auth_providers, external_people
from st_core.services.auth_providers import Record
from st_core.services.external_people import Known

from . import signing_in

if TYPE_CHECKING:
    from st_core.contracts import ExternalPerson

log = logging.getLogger(__name__)
EVERY_SECONDS = 3600.0


def look_after_everybody() -> None:
    """Go through every enabled directory; one that does not answer is left for the next time."""
    for record in auth_providers.enabled(signing_in.KIND):
        if signing_in.config_of(record).resync:
            look_after(record)


def look_after(record: Record) -> None:
    """Bring the people of one directory up to date, and keep out those who left."""
    known = external_people.active(record.id, signing_in.issuer_of(record))
    if not known:
        return
    from . import connecting  # ldap3 is heavy, and start-up has a budget

    db.session.remove()  # the directory may take its time
    try:
        present, left = _ask(record, known)
    except connecting.Trouble as error:
        log.warning("the directory %s is not looked through: %s", record.name, error.detail)
        return
    if not present and len(left) > 1:
        log.error(
            "the directory %s knows none of its %d people any more: nobody is deactivated. Check "
            "the base and what bind_dn may see.",
            record.name,
            len(left),
        )
        return
    for user_id, person in present.items():
        external_people.bring_up_to_date(record.id, user_id, person)
    for one, reason in left.items():
        if external_people.keep_out(record.id, one.user_id, reason):
            log.info("%s is deactivated: %s in %s", one.username, reason, record.name)


def _ask(record: Record, known: list[Known]) -> tuple[dict[int, ExternalPerson], dict[Known, str]]:
    """Return who is there, by user id, and who left, with why. Raises Trouble."""
    from . import connecting, searching

    config = signing_in.config_of(record)
    present: dict[int, ExternalPerson] = {}
    left: dict[Known, str] = {}
    with connecting.bound(config) as connection:
        base = searching.entries(
            connection, config.people_base, "(objectClass=*)", ["1.1"], base=True
        )
        if not base:
            raise connecting.Trouble("search", f"there is no {config.people_base}.")
        for one in known:
            entry = searching.by_id(connection, config, one.subject)
            if entry is None:
                left[one] = "not there any more"
            elif signing_in.is_disabled(entry):
                left[one] = "disabled"
            else:
                present[one.user_id] = signing_in.person_of(record, connection, entry)
    return present, left


SERVICE = Service("ldap_leavers", look_after_everybody, every_seconds=EVERY_SECONDS)
