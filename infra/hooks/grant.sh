#!/bin/sh
# Gives app roles to those who call: sh infra/hooks/grant.sh CLIENT_ID OBJECT_ID=ROLE…
# The object id of a user, a group, or of the managed identity of a Data Factory, a Databricks access connector or a
# Synapse workspace. Granting a role twice changes nothing.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
graph=https://graph.microsoft.com/v1.0
client=$1
shift
service=$(az ad sp list --filter "appId eq '$client'" --query "[0].id" --output tsv)
if [ -z "$service" ]; then
    echo "slipway: there is no application $client in this directory: check SLIPWAY_CLIENT_ID" >&2
    exit 1
fi
for grant in "$@"; do
    who=${grant%%=*}
    role=$(python3 -c 'import json, sys
print(next((role["id"] for role in json.load(open(sys.argv[1])) if role["value"] == sys.argv[2]), ""))' \
        "$here/entra/app-roles.json" "${grant#*=}")
    if [ -z "$role" ]; then
        echo "slipway: '${grant#*=}' is no app role: see infra/entra/app-roles.json" >&2
        exit 1
    fi
    found=$(az rest --method GET --url "$graph/servicePrincipals/$service/appRoleAssignedTo?\$top=999" \
        --query "value[?principalId=='$who' && appRoleId=='$role'].id | [0]" --output tsv)
    if [ -n "$found" ]; then continue; fi
    az rest --method POST --url "$graph/servicePrincipals/$service/appRoleAssignedTo" \
        --headers Content-Type=application/json --output none \
        --body "{\"principalId\": \"$who\", \"resourceId\": \"$service\", \"appRoleId\": \"$role\"}"
done
