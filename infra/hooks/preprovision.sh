#!/bin/sh
# Before anything is provisioned: the Entra application that the app's callers ask for tokens, and who holds its roles.
# Run by azd, which hands its environment over. Every step may be repeated. Needs the Azure CLI, signed in (az login) as
# somebody who may make applications in the directory; where that is somebody else, they run it once and hand over
# SLIPWAY_CLIENT_ID, with which the directory is not touched again.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)

# A budget keeps the month in which it began, and a new one begins in the current month: what this environment remembers
# may be neither.
if [ "${SLIPWAY_MONTHLY_BUDGET:-0}" != 0 ]; then
    began=
    if [ -n "${AZURE_SUBSCRIPTION_ID:-}" ]; then
        problem=$(mktemp)
        trap 'rm -f "$problem"' EXIT
        group="https://management.azure.com/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/rg-$AZURE_ENV_NAME"
        budget="$group/providers/Microsoft.Consumption/budgets/slipway?api-version=2024-08-01"
        if ! began=$(az rest --method GET --url "$budget" --query properties.timePeriod.startDate --output tsv \
            2>"$problem") && ! grep -q "Not Found" "$problem"; then
            echo "slipway: in which month the budget began cannot be asked: $(cat "$problem")" >&2
            exit 1
        fi
    fi
    azd env set SLIPWAY_BUDGET_START "$(printf '%.10s' "${began:-$(date -u +%Y-%m-01)}")"
fi
if [ -n "${SLIPWAY_CLIENT_ID:-}" ]; then exit 0; fi
sh "$here/hooks/tenant.sh"

graph=https://graph.microsoft.com/v1.0
name="slipway-$AZURE_ENV_NAME"
# By the whole name: --display-name finds all that begin with it.
client=$(az ad app list --filter "displayName eq '$name'" --query "[].appId" --output tsv)
if [ "$(printf '%s' "$client" | wc -w)" -gt 1 ]; then
    echo "slipway: several applications are named $name: azd env set SLIPWAY_CLIENT_ID with the one that is meant" >&2
    exit 1
fi
if [ -z "$client" ]; then
    client=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
fi
if [ -z "$client" ]; then
    echo "slipway: the application $name could not be made: azd env set SLIPWAY_CLIENT_ID with one that is there" >&2
    exit 1
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

# Whoever sets the app up may use it at once; an application that deploys is not asked.
me=$(az ad signed-in-user show --query id --output tsv 2>/dev/null) || me=
if [ -n "$me" ]; then
    sh "$here/hooks/grant.sh" "$client" "$me=Endpoint.Score" "$me=Endpoint.Batch" "$me=Endpoint.Read" \
        "$me=Endpoint.Manage"
fi
# Last: with it nothing of this is done again.
azd env set SLIPWAY_CLIENT_ID "$client"
