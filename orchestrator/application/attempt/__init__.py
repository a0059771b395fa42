"""One server's turn in a run, from precheck to a recorded outcome."""
