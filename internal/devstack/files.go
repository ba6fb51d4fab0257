package devstack

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const passwordName = "password" // the file in a server's folder

// secretFile reads the secret in path, or makes one of 128 random bits: letters and digits only, safe to put anywhere.
func secretFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err == nil && len(text) >= 26 {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read secret: %w", err)
	}
	secret := rand.Text()
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		return "", diskFull(err.Error(), path, fmt.Errorf("write secret: %w", err))
	}
	return secret, nil
}

const (
	longestLog = 16 << 20
	logTail    = 4 << 10
)

// serverLog is where a server writes: a file that it holds itself, so that it may outlive us, or the caller's writer.
type serverLog struct {
	path string
	out  io.Writer
	kept *tailWriter
	from int64 // where the file's present run begins
}

// openLog appends to the file, starting anew when it has grown long.
func openLog(path string, instead io.Writer) (*serverLog, error) {
	if instead != nil {
		kept := &tailWriter{to: instead}
		return &serverLog{path: "its log", out: kept, kept: kept}, nil
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > longestLog {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, diskFull(err.Error(), path, fmt.Errorf("open log: %w", err))
	}
	return &serverLog{path: path, out: file}, nil
}

// begin forgets what earlier runs said.
func (l *serverLog) begin() {
	if l.kept != nil {
		l.kept.last.Reset()
	} else if info, err := os.Stat(l.path); err == nil {
		l.from = info.Size()
	}
}

// tail is the end of what the server said in this run.
func (l *serverLog) tail() string {
	if l.kept != nil {
		return l.kept.String()
	}
	file, err := os.Open(l.path)
	if err != nil {
		return ""
	}
	defer file.Close()
	from := l.from
	if info, err := file.Stat(); err == nil {
		from = max(from, info.Size()-logTail)
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(file, logTail))
	return string(text)
}

func (l *serverLog) close() {
	if file, ok := l.out.(*os.File); ok {
		_ = file.Close()
	}
}

// tailWriter passes on and remembers the end. A server's output is written by one goroutine, and read after it.
type tailWriter struct {
	to   io.Writer
	last bytes.Buffer
}

func (w *tailWriter) Write(p []byte) (int, error) {
	if w.last.Len() > logTail {
		w.last.Next(w.last.Len() - logTail/2)
	}
	w.last.Write(p)
	return w.to.Write(p)
}

func (w *tailWriter) String() string { return w.last.String() }

// lastLine is the last line that says something, without PostgreSQL's hints.
func lastLine(text string) string {
	last := "it said nothing"
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.Contains(line, "HINT:") && !strings.HasPrefix(line, "initdb: removing") {
			last = line
		}
	}
	return last
}

// diskFull turns an error into the disk's problem if that is what said speaks of.
func diskFull(said, where string, err error) error {
	if !strings.Contains(strings.ToLower(said), "no space left on device") && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return DiskFull(where, err)
}

// DiskFull is the problem of a disk without room for the folder or file.
func DiskFull(where string, cause error) error {
	return &Problem{
		Message: "the disk of " + where + " is full",
		Remedy:  "free some space there or choose a folder on another disk with --data",
		Cause:   cause,
	}
}
