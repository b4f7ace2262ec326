"""Small programs that keep generated files true."""
