"""What a driver's own tests inherit: the contract suites and the rules they use. Needs pytest.

A driver's test module subclasses `contract.DriverContract` (rules), `contract_settings.SettingsDriverContract`
(settings) or `contract_attachments.AttachmentDriverContract` (attachments) and overrides the ``device`` fixture.
"""
