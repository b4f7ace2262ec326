"""What lies in stock: states, classes, turnover, idle goods, what runs out."""
