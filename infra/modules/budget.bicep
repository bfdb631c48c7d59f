// Tells what the resource group costs before it has cost it.

@description('hooks/preprovision.sh asks for it by this name.')
param name string

@description('In the currency of the subscription.')
@minValue(1)
param monthlyAmount int

@description('First day of a month, yyyy-MM-01: the current one of a new budget, afterwards always the same.')
param startDate string
param actionGroupId string

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    amount: monthlyAmount
    category: 'Cost'
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      forecast: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: []
        contactGroups: [actionGroupId]
      }
      spent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: []
        contactGroups: [actionGroupId]
      }
    }
  }
}
