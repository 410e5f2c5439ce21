const DAY =
  "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))";
const DATE = `\\d{4}-${DAY}`;
const TIME = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+\\-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d{2}|[1-9]?\\d)";
const LABEL = "[a-z0-9](?:[a-z0-9\\-]{0,30}[a-z0-9])?";
const HOST = `${LABEL}(?:\\.${LABEL}){0,6}`;
const NUMBER_OF = (unit: string) => `(?:\\d{1,6}${unit})`;
const CLOCK = `T(?:${NUMBER_OF("H")}${NUMBER_OF("M")}?${NUMBER_OF("S")}?|${NUMBER_OF("M")}${NUMBER_OF("S")}?|${NUMBER_OF("S")})`;
const CALENDAR = `(?:${NUMBER_OF("Y")}${NUMBER_OF("M")}?${NUMBER_OF("D")}?|${NUMBER_OF("M")}${NUMBER_OF("D")}?|${NUMBER_OF("D")})`;
const IN_URI = "(?:[A-Za-z0-9._~!$&'()*+,;=:@\\-]|%[0-9A-Fa-f]{2})";
const PATH = `(?:/${IN_URI}*)*(?:\\?(?:${IN_URI}|[/?])*)?(?:#(?:${IN_URI}|[/?])*)?`;

/**
 * Formats of JSON Schema as patterns. Each allows only what its RFC allows (3339, 5321, 1123, 3986, 4122, 6901, ISO 8601), and may allow less:
 * no 29th of February, no leap second, no quoted mailbox, IPv6 addresses in full.
 */
export const FORMATS: Readonly<Record<string, string>> = {
  date: `^${DATE}$`,
  time: `^${TIME}$`,
  "date-time": `^${DATE}T${TIME}$`,
  duration: `^P(?:${CALENDAR}(?:${CLOCK})?|${CLOCK}|${NUMBER_OF("W")})$`,
  email: `^[A-Za-z0-9_+\\-]+(?:\\.[A-Za-z0-9_+\\-]+)*@${LABEL}(?:\\.${LABEL}){1,3}$`,
  hostname: `^${HOST}$`,
  ipv4: `^${BYTE}(?:\\.${BYTE}){3}$`,
  ipv6: "^[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}$",
  uuid: "^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
  uri: `^https?://${HOST}(?::\\d{1,4})?${PATH}$`,
  "uri-reference": `^(?:https?://${HOST})?${PATH.replace("*", "+")}$`,
  "json-pointer": "^(?:/(?:[^~/]|~[01])*)*$",
};
