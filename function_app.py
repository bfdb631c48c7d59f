"""The Function app: its functions are declared in `shared/triggers`, and put together here."""

import azure.functions as func
from azure.durable_functions import DFApp

from shared.triggers import (
    batch,
    describe,
    environments,
    health,
    inference,
    intake,
    jobs,
    keys,
    manage,
    metrics,
    monitoring,
    online,
    revisions,
)

app = DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
management = (manage, revisions, keys, environments)
for triggers in (health, online, inference, describe, *management, jobs, intake, batch, metrics, monitoring):
    app.register_functions(triggers.blueprint)
