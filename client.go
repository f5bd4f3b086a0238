package mfa

import (
	"context"
	"net/netip"
)

// admitClient counts a sign-in against the client's address. One that is not
// known is not counted: other budgets hold for it.
func (m *Manager) admitClient(ctx context.Context) error {
	client, _ := ctx.Value(clientKey{}).(string)
	if client == "" {
		return nil
	}
	_, err := m.reserveUnit(ctx, recordKey(budgetClient, network(client)), m.cfg.Limits.SignIns, clientWindow)
	return err
}

// network is what one subscriber has: an IPv4 address, or the /64 that an IPv6
// address is of (RFC 6177).
func network(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return client
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return client
	}
	return prefix.String()
}
