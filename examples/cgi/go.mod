module cgi

go 1.20
