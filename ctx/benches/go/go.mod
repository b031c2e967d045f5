module ctxbench

go 1.24
