"""Files of operators: bounded, decoded, with line numbers, checked by models."""
