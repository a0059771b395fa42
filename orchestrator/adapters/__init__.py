"""The outside world, one folder per thing. Siblings never import each other."""
