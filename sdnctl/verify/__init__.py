"""What "verified" means: V1 on rules, V2 on what devices hold, V3 with live probes; see docs/verification.md."""
