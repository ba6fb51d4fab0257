package intake

import (
	"encoding/json"
	"testing"
	"time"
)

// Whenever a slot is said to begin and however long it lasts, whatever offsets that is written with: it is refused, or opens a
// window that begins before it ends.
func FuzzSlot(f *testing.F) {
	f.Add(int64(1_679_752_800), int32(32_400), int8(-20), int8(-20), 33, "free")
	f.Add(int64(1_678_602_600), int32(3_600), int8(-20), int8(-16), 1, "busy")
	f.Add(int64(1_699_162_200), int32(1), int8(0), int8(0), 0, "busy-unavailable")
	const quarter = 15 * 60
	f.Fuzz(func(t *testing.T, start int64, length int32, startOffset, endOffset int8, capacity int, status string) {
		at := func(second int64, offset int8) string {
			return time.Unix(second, 0).In(time.FixedZone("", int(offset)%56*quarter)).Format(time.RFC3339)
		}
		start %= 8_000_000_000
		text, err := json.Marshal(map[string]any{
			"resourceType": "Slot", "id": "1", "schedule": map[string]string{"reference": "Schedule/1"},
			"start": at(start, startOffset), "end": at(start+int64(length), endOffset),
			"status": status, "extension": []any{map[string]any{"url": slotCapacityURL, "valueInteger": capacity}},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := sample(t)
		p.files = []string{"file"}
		p.takeLine(line{number: 1, text: text}, p.takeSlot)
		p.settle()
		for _, d := range p.desks {
			for _, w := range d.windows {
				if w.from >= w.to || w.capacity < 1 || w.capacity > maxCapacity {
					t.Errorf("a window was taken as %+v", w)
				}
			}
		}
	})
}
