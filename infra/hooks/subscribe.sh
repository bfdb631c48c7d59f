#!/bin/sh
# Has Event Grid tell an app of dropped files: sh infra/hooks/subscribe.sh GROUP APP TOPIC HOST_ACCOUNT
# Writing the same subscription again changes nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
group=$1 app=$2 topic=$3 host_account=$4
wait_s=${SLIPWAY_HOOK_WAIT_S:-10}
problem=$(mktemp)
trap 'rm -f "$problem"' EXIT

tries=0
key=
while [ -z "$key" ] || [ "$key" = None ]; do
    if [ "$tries" -ge 60 ]; then
        echo "slipway: $app has no key for the blob trigger after $((tries * wait_s)) s: does it start? Its log says so" >&2
        cat "$problem" >&2
        exit 1
    fi
    if [ "$tries" -gt 0 ]; then sleep "$wait_s"; fi
    tries=$((tries + 1))
    key=$(az functionapp keys list --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" --name "$app" \
        --query systemKeys.blobs_extension --output tsv 2>"$problem") || key=
done
host=$(az functionapp show --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" --name "$app" \
    --query properties.defaultHostName --output tsv)
account=$(az storage account show --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" \
    --name "$host_account" --query id --output tsv)

# By Bicep, because az eventgrid cannot put away what is undelivered with the topic's identity. The key goes by stdin:
# everybody on this machine sees what a program is called with.
printf '{"topicName": {"value": "%s"}, "hostAccountId": {"value": "%s"}, "webhook": {"value": "%s"}}\n' "$topic" \
    "$account" "https://$host/runtime/webhooks/blobs?functionName=Host.Functions.drop&code=$key" |
    az deployment group create --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" \
        --name "subscription-$app" --template-file "$here/../modules/inbox-subscription.bicep" --parameters @- \
        --no-prompt true --output none
