"""What sdnctl remembers: snapshots of what was applied, plans, the journal, the lease and the audit trail."""
