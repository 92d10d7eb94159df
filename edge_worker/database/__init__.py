"""Database: tables, migrations, and all queries and transactions on them."""
