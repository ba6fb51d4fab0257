package intake

import (
	"fmt"
	"strings"
)

// table is a report for a terminal: names, numbers, remarks.
type table struct{ text strings.Builder }

func (t *table) Write(p []byte) (int, error) { return t.text.Write(p) }

func (t *table) row(name string, count int, format string, args ...any) {
	fmt.Fprintf(t, "%-10s %9s  %s\n", name, grouped(count), fmt.Sprintf(format, args...))
}

func (t *table) String() string { return trimLines(t.text.String()) }

// grouped writes a number with a comma before each thousand.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
