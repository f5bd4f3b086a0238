//go:build !race

package stores

const slowed = false
