"""The declared node: models, loader with line numbers, JSON Schema, migrations."""
