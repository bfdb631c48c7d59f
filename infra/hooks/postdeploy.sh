#!/bin/sh
# After the code is there: brings it to the further regions, and has Event Grid tell every region's app of dropped files.
# The webhook's key exists only once the host has started with the code, so provisioning cannot do this. In a private
# network it can: Event Grid writes to a queue. Run by azd; may be repeated.
# SLIPWAY_HOOK_WAIT_S: seconds between two looks for the key.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
group=$AZURE_RESOURCE_GROUP

items() { # of a JSON list of names, which is how azd hands arrays over
    printf '%s' "$1" | tr -d '[]" \n' | tr ',' ' '
}

nth() { # nth N A B C…
    shift "$1"
    printf '%s' "$1"
}

apps=$(items "$SLIPWAY_APPS")
number=0
for app in $apps; do
    number=$((number + 1))
    if [ "$number" -gt 1 ]; then
        package=$(mktemp -d)/slipway.zip
        python3 "$here/../package.py" "$package"
        az functionapp deployment source config-zip --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$group" \
            --name "$app" --src "$package" --build-remote true --output none
    fi
    if [ "${SLIPWAY_PRIVATE_NETWORK:-false}" = true ]; then continue; fi
    topic=$(nth "$number" $(items "$SLIPWAY_TOPICS"))
    host_account=$(nth "$number" $(items "$SLIPWAY_HOST_ACCOUNTS"))
    sh "$here/subscribe.sh" "$group" "$app" "$topic" "$host_account"
done
