package otpdelivery

import (
	"context"
	"errors"
	"log/slog"
)

// LogConfig is what a Log is made of.
type LogConfig struct {
	Logger *slog.Logger // nil means slog.Default
	// InsecureLogCodes has to be set: whoever reads the log can use the codes.
	InsecureLogCodes bool
}

// Log is a Sender for development. It sends nothing and writes whole messages
// to a log, with their codes and links.
type Log struct{ logger *slog.Logger }

// NewLog makes a Log. It refuses unless InsecureLogCodes is set.
func NewLog(cfg LogConfig) (*Log, error) {
	if !cfg.InsecureLogCodes {
		return nil, errors.New("otpdelivery: a Log sender writes codes where anybody who reads logs can use them: set LogConfig.InsecureLogCodes if this is a developer's machine, and take another sender if not")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Log{cfg.Logger}, nil
}

// Send implements [Sender]. It fails if the logger drops what it is given.
func (l *Log) Send(ctx context.Context, m Message) error {
	if !l.logger.Enabled(ctx, slog.LevelInfo) {
		return errors.New("otpdelivery: the logger of a Log sender drops level Info: give one that does not")
	}
	l.logger.InfoContext(ctx, "message not sent but logged",
		"id", m.ID, "channel", string(m.Channel), "to", m.To, "purpose", m.Purpose, "subject", m.Subject, "text", m.Text)
	return nil
}
