// Package pages holds what stands on each page, without the layout around it. A page takes one struct that holds
// everything it shows; it asks nothing of a service and decides nothing about access.
package pages
