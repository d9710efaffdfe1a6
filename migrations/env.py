"""Run the migrations of one lineage; shared by the core and every plugin."""

from alembic import context
from flask import current_app

from st_core.db import db
from st_core.schema import CORE, compared, lineages, owners

config = context.config


def chosen():
    """Return the lineage that was asked for; the core's when Alembic is called bare."""
    app = current_app._get_current_object()
    lineage = config.attributes.get("lineage") or lineages(app)[0]
    assert lineage.owner == CORE or lineage.folder.is_dir()
    return lineage, config.attributes.get("owners") or owners(app)


def run(connection) -> None:
    """Migrate through `connection`, seeing only this lineage's tables."""
    lineage, names = chosen()

    def mine(name, kind, parents) -> bool:
        table = name if kind == "table" else parents.get("table_name")
        return table is None or (
            not table.startswith("alembic_version") and lineage.owns(table, names)
        )

    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        version_table=lineage.version_table,
        include_name=mine,
        include_object=compared(lineage, names),
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        user_module_prefix="st_core.db.",
    )
    with context.begin_transaction():
        context.run_migrations()


given = config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with db.engine.connect() as opened:
        run(opened)
        opened.commit()
