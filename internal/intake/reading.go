package intake

import (
	"context"
	"fmt"
	"io"
)

// reading is what is kept of files while they are read line by line.
type reading struct {
	files    []string // names, by place.file
	repairs  []Note   // of the line being read, told once it is taken
	found    *Findings
	progress func(Progress)
}

// place is a line of a file that is read.
type place struct{ file, line int }

// Progress says how far an import is. Total is 0 while it isn't known.
type Progress struct {
	Step        string
	Done, Total int
}

// told is how many lines are read between two words on progress.
const told = 1_000

// file reads a file line by line, until take fails.
func (r *reading) file(ctx context.Context, name string, body io.Reader, take func(line) error) error {
	name = short(clean(name))
	r.files = append(r.files, name)
	number := 0
	for l, err := range lines(body) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = take(l)
		}
		if err != nil {
			return err
		}
		if number = l.number; number%told == 0 {
			r.progress(Progress{Step: "reading " + name, Done: number})
		}
	}
	r.progress(Progress{Step: "reading " + name, Done: number, Total: number})
	return nil
}

// takeLine takes a line of the file that is being read, or refuses it.
func (r *reading) takeLine(l line, take func([]byte, place) error) {
	at := r.place(l.number)
	if l.tooLong {
		r.refuse(at, fmt.Sprintf("longer than %d bytes", maxLine))
		return
	}
	r.attempt(at, func() error { return take(l.text, at) })
}

// attempt takes something that begins at a line, or refuses it. Its repairs are told when it is taken.
func (r *reading) attempt(at place, take func() error) {
	r.repairs = r.repairs[:0]
	defer func() { r.repairs = r.repairs[:0] }()
	if err := take(); err != nil {
		r.refuse(at, err.Error())
		return
	}
	for _, n := range r.repairs {
		r.found.repaired(n)
	}
}

func (r *reading) place(line int) place { return place{file: len(r.files) - 1, line: line} }

func (r *reading) refuse(at place, reason string) {
	r.found.refuse(Refusal{File: r.files[at.file], Line: at.line, Reason: reason})
}

func (r *reading) noteAt(at place) func(Repair, string, string) {
	return func(kind Repair, from, to string) {
		r.repairs = append(r.repairs, Note{Kind: kind, File: r.files[at.file], Line: at.line, From: from, To: to})
	}
}
