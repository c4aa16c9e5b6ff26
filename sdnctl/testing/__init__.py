"""What a driver's own tests inherit: the contract suites and the rules they use. Needs pytest.

A driver's test module subclasses `contract.DriverContract` (rules) or
`contract_settings.SettingsDriverContract` (settings) and overrides the ``device`` fixture.
"""
