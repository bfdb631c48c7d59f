#!/bin/sh
# Ends with 1 where az works in another directory than the subscription that azd deploys to: az has a default of its own.
set -eu
if [ -z "${AZURE_SUBSCRIPTION_ID:-}" ]; then exit 0; fi
az_in=$(az account show --query tenantId --output tsv 2>/dev/null) || az_in=
azd_in=$(az account show --subscription "$AZURE_SUBSCRIPTION_ID" --query tenantId --output tsv 2>/dev/null) || azd_in=
if [ -z "$azd_in" ] || [ "$az_in" != "$azd_in" ]; then
    echo "slipway: az is not signed in to the directory of the subscription $AZURE_SUBSCRIPTION_ID: az login, then" \
        "az account set --subscription $AZURE_SUBSCRIPTION_ID" >&2
    exit 1
fi
