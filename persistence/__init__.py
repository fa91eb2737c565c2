"""PostgreSQL: tables, units of work, the outbox and the inbox, the read side, migrations, the embedded server.

The room's rule: SQL lives here and nowhere else; it knows the domain, never a broker nor a transport.
SQLAlchemy Core writes the SQL once, at import; psycopg runs it (docs/decisions/0003).
"""
