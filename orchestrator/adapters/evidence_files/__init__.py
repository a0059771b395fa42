"""Evidence bundles: zip files that an auditor checks without our database."""
