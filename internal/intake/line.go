package intake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// maxLine bounds one line of a publication's file, in bytes without its end.
const maxLine = 1 << 20

// line is one line of a file, counted from 1. Its text is good until the next one is read, and absent when it is too long.
type line struct {
	number  int
	text    []byte
	tooLong bool
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// lines reads a file line by line (https://github.com/ndjson/ndjson-spec) and passes over blank ones. A failure to read
// comes last. Memory stays within maxLine however long a line is.
func lines(r io.Reader) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		in := &lineReader{from: bufio.NewReaderSize(r, 64<<10)}
		for {
			l, err := in.next()
			if err != nil && !errors.Is(err, io.EOF) {
				yield(line{}, err)
				return
			}
			if (l.tooLong || len(l.text) > 0) && !yield(l, nil) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}

type lineReader struct {
	from   *bufio.Reader
	number int
	text   []byte
}

// next answers io.EOF together with what stood before the file's end.
func (r *lineReader) next() (line, error) {
	r.number++
	r.text = r.text[:0]
	l := line{number: r.number}
	for {
		part, err := r.from.ReadSlice('\n')
		if len(r.text)+len(bytes.TrimRight(part, "\r\n")) > maxLine {
			l.tooLong = true
		}
		if !l.tooLong {
			r.text = append(r.text, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if !l.tooLong {
			l.text = r.clean()
		}
		return l, err
	}
}

func (r *lineReader) clean() []byte {
	text := r.text
	if r.number == 1 {
		text = bytes.TrimPrefix(text, byteOrderMark)
	}
	return bytes.TrimSpace(text)
}
