const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

/** Python's strftime in the C locale, local time. */
export function strftime(date: Date, format: string): string {
  const pad = (number: number, width = 2, fill = "0") => String(number).padStart(width, fill);
  const hour12 = date.getHours() % 12 || 12;
  const startOfYear = new Date(date.getFullYear(), 0, 1);
  const dayOfYear = Math.round((midnight(date) - midnight(startOfYear)) / 86_400_000) + 1;
  const fields: Record<string, string> = {
    a: DAYS[date.getDay()].slice(0, 3),
    A: DAYS[date.getDay()],
    b: MONTHS[date.getMonth()].slice(0, 3),
    B: MONTHS[date.getMonth()],
    d: pad(date.getDate()),
    e: pad(date.getDate(), 2, " "),
    f: pad(date.getMilliseconds() * 1000, 6),
    h: MONTHS[date.getMonth()].slice(0, 3),
    H: pad(date.getHours()),
    I: pad(hour12),
    j: pad(dayOfYear, 3),
    m: pad(date.getMonth() + 1),
    M: pad(date.getMinutes()),
    n: "\n",
    p: date.getHours() < 12 ? "AM" : "PM",
    S: pad(date.getSeconds()),
    t: "\t",
    u: String(date.getDay() || 7),
    w: String(date.getDay()),
    y: pad(date.getFullYear() % 100),
    Y: String(date.getFullYear()),
    z: "",
    Z: "",
    "%": "%",
  };
  fields.D = `${fields.m}/${fields.d}/${fields.y}`;
  fields.F = `${fields.Y}-${fields.m}-${fields.d}`;
  fields.R = `${fields.H}:${fields.M}`;
  fields.T = `${fields.R}:${fields.S}`;
  fields.x = fields.D;
  fields.X = fields.T;
  fields.c = `${fields.a} ${fields.b} ${fields.e} ${fields.T} ${fields.Y}`;
  return format.replace(/%(-?)([a-zA-Z%])/g, (match, bare: string, letter: string) => {
    const field = Object.hasOwn(fields, letter) ? fields[letter] : undefined;
    if (field === undefined) return match;
    return bare ? field.replace(/^[0 ]+(?=.)/, "") : field;
  });
}

/** Days since 1970 in milliseconds, summer time left aside. */
function midnight(date: Date): number {
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
}
