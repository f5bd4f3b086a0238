package testenv

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// redisDo sends one command to a Redis server and returns the answer as text:
// that of an array is its elements, a line each.
func redisDo(addr string, command ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, patience) //nolint:noctx // it has a deadline
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // the answer is read, or is an error anyway
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	request := fmt.Appendf(nil, "*%d\r\n", len(command))
	for _, word := range command {
		request = fmt.Appendf(request, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := conn.Write(request); err != nil {
		return "", err
	}
	return redisAnswer(bufio.NewReader(conn))
}

// redisAnswer reads one answer in RESP2.
func redisAnswer(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, line := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch kind {
	case '+', ':':
		return line, nil
	case '-':
		return "", errors.New(line)
	}
	n, err := strconv.Atoi(line)
	if err != nil || n < 0 { // -1 is nil
		return "", err
	}
	if kind == '$' {
		text := make([]byte, n+len("\r\n"))
		_, err := io.ReadFull(r, text)
		return string(text[:n]), err
	}
	elements := make([]string, n)
	for i := range elements {
		if elements[i], err = redisAnswer(r); err != nil {
			return "", err
		}
	}
	return strings.Join(elements, "\n"), nil
}
