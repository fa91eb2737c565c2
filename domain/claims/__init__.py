"""Health claims (guias), their batches and denials, and the invoices (contas) that bill them: health.md A and B."""
