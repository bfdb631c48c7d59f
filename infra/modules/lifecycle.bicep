// Removes what nobody needs any more: parts that an instance staged for a job which had ended meanwhile, what is known of
// jobs of long ago, and captured requests.

@description('Name of the data account.')
param storageAccountName string

@description('Days after which staged parts are forgotten. Longer than any job, and than SLIPWAY_RETRY_WINDOW_S.')
@minValue(2)
param stagingDays int = 7

@description('Days after which the documents of jobs are forgotten. Their outputs stay.')
@minValue(30)
param jobDays int = 400

@description('Days after which captured requests and answers are forgotten.')
@minValue(1)
param captureDays int = 30

var rules = [
  {
    name: 'forgotten-staging'
    prefix: 'staging/'
    days: stagingDays
  }
  {
    name: 'old-jobs'
    prefix: 'jobs/'
    days: jobDays
  }
  {
    name: 'old-captures'
    prefix: 'capture/'
    days: captureDays
  }
]

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [for rule in rules: {
        name: rule.name
        type: 'Lifecycle'
        enabled: true
        definition: {
          filters: {
            blobTypes: ['blockBlob']
            prefixMatch: [rule.prefix]
          }
          actions: {
            baseBlob: {
              delete: {
                daysAfterModificationGreaterThan: rule.days
              }
            }
          }
        }
      }]
    }
  }
}
