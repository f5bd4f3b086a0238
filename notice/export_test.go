package notice

// Wait returns when there is nothing left to tell of.
func (n *Notices) Wait() {
	b := &n.backlog
	b.mu.Lock()
	idle := b.idle
	b.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
