// Removes what nobody puts away any more: parts that an instance staged for a job which had ended meanwhile.

@description('Name of the data account.')
param storageAccountName string

@description('Days after which staged parts are forgotten. Longer than any job, and than SLIPWAY_RETRY_WINDOW_S.')
@minValue(2)
param stagingDays int = 7

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'forgotten-staging'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['staging/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: stagingDays
                }
              }
            }
          }
        }
      ]
    }
  }
}
