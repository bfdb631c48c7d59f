#!/bin/sh
# Before anything is provisioned: the Entra application that the app's callers ask for tokens, and who holds its roles.
# Run by azd, which hands its environment over. Every step may be repeated. Needs the Azure CLI, signed in (az login) as
# somebody who may make applications in the directory; where that is somebody else, they run it once and hand over
# SLIPWAY_CLIENT_ID, with which the directory is not touched again.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)

# A budget keeps the month in which it began.
if [ -z "${SLIPWAY_BUDGET_START:-}" ]; then
    azd env set SLIPWAY_BUDGET_START "$(date -u +%Y-%m-01)"
fi
if [ -n "${SLIPWAY_CLIENT_ID:-}" ]; then exit 0; fi

graph=https://graph.microsoft.com/v1.0
name="slipway-$AZURE_ENV_NAME"
client=$(az ad app list --display-name "$name" --query "[0].appId" --output tsv)
if [ -z "$client" ]; then
    client=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi
az ad app update --id "$client" --identifier-uris "api://$client" --app-roles "@$here/entra/app-roles.json"
object=$(az ad app show --id "$client" --query id --output tsv)
# A client can only be let in to a scope that is there already.
for part in api clients; do
    az rest --method PATCH --url "$graph/applications/$object" --headers Content-Type=application/json \
        --body "@$here/entra/$part.json"
done
service=$(az ad sp list --filter "appId eq '$client'" --query "[0].id" --output tsv)
if [ -z "$service" ]; then
    service=$(az ad sp create --id "$client" --query id --output tsv)
fi
# Nobody of the tenant gets a token without a role.
az rest --method PATCH --url "$graph/servicePrincipals/$service" --headers Content-Type=application/json \
    --body '{"appRoleAssignmentRequired": true}'
azd env set SLIPWAY_CLIENT_ID "$client"

# Whoever sets the app up may use it at once; an application that deploys is not asked.
me=$(az ad signed-in-user show --query id --output tsv 2>/dev/null) || exit 0
for role in Score Batch Read Manage; do
    sh "$here/hooks/grant.sh" "$client" "$me=Endpoint.$role"
done
