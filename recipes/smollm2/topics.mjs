/** What instructions are made of. */
const list = (text) => text.trim().split(/\s*;\s*/);

export const TOPICS = list(`
  photosynthesis; the water cycle; gravity; electricity; the solar system; volcanoes; earthquakes; the human heart; the immune system; bees;
  whales; dinosaurs; rain forests; deserts; coral reefs; the moon; comets; magnets; sound; light; rainbows; weather forecasts; climate; glaciers;
  rivers; the Roman Empire; ancient Egypt; the Middle Ages; the Silk Road; the printing press; the steam engine; the invention of the telephone;
  the internet; artificial intelligence; computer networks; encryption; databases; operating systems; compilers; sorting algorithms; recursion;
  probability; fractions; prime numbers; geometry; statistics; inflation; supply and demand; taxes; insurance; democracy; the United Nations;
  human rights; music theory; jazz; the violin; painting; photography; film making; theatre; poetry; novels; fairy tales; mythology; chess;
  football; swimming; running; yoga; sleep; nutrition; vitamins; bread; cheese; coffee; tea; chocolate; olive oil; honey; spices; rice; gardening;
  trees; flowers; mushrooms; birds; cats; dogs; horses; fish; insects; spiders; bridges; skyscrapers; lighthouses; railways; bicycles; aeroplanes;
  electric cars; batteries; solar energy; wind energy; nuclear power; recycling; plastic; glass; steel; paper; cotton; silk; clocks; calendars;
  maps; languages; alphabets; dictionaries; libraries; museums; schools; friendship; patience; courage; honesty; teamwork; time management`);

export const PEOPLE = list(`
  a ten year old; my grandmother; a new colleague; a teacher; a student; a farmer; a sailor; a nurse; a young painter; an old watchmaker; a
  travelling musician; a shy boy; a curious girl; a baker; a librarian; a scientist; my neighbour; a friend; a customer; my manager; a beginner; a
  tourist; an engineer; a gardener; a football coach`);

export const THINGS = list(`
  growing tomatoes on a balcony; learning a new language; saving money; working from home; cooking for a large family; baking bread; keeping a
  dog; planning a trip to the mountains; preparing for an exam; giving a speech; writing a letter of application; sleeping better; drinking more
  water; running a small shop; organising a birthday party; cleaning the kitchen; repairing a bicycle; reading more books; starting a garden;
  choosing a laptop; making friends in a new city; taking better photographs; riding a bicycle to work; learning to play the guitar; teaching
  children to read; using less plastic; moving to another country; keeping a diary; writing a novel; learning to program; public transport; living in a
  big city; living in the countryside; buying a used car; camping in winter; working in a team; holding meetings; healthy breakfasts; walking every day`);

export const CODE_TASKS = list(`
  adds up the even numbers of a list; reverses a string; checks whether a word is a palindrome; counts the vowels of a text; finds the largest number of
  a list; sorts a list of names by length; removes duplicates from a list; computes the factorial of a number; gives the n-th Fibonacci number;
  checks whether a number is prime; merges two sorted lists; converts Celsius to Fahrenheit; counts how often each word occurs in a file; finds the
  longest common prefix of strings; rotates a matrix by 90 degrees; checks whether brackets are balanced; computes the mean and the median; flattens a
  nested list; finds pairs of numbers that add up to a target; searches a sorted list by halves; writes a dictionary to a JSON file; reads a CSV file and
  sums a column; validates an email address; makes a random password; draws a triangle of stars; computes the greatest common divisor; groups words that
  are anagrams; says which year is a leap year; converts a number to Roman numerals; simulates rolling two dice; finds the shortest path in a grid; keeps
  the last n items that were used`);

export const CODE = [
  "def average(values):\n    total = 0\n    for value in values:\n        total += value\n    return total / len(values)",
  "def find(items, wanted):\n    for i, item in enumerate(items):\n        if item == wanted:\n            return i\n    return -1",
  "def count_words(text):\n    counts = {}\n    for word in text.lower().split():\n        counts[word] = counts.get(word, 0) + 1\n    return counts",
  "def discount(price, customer):\n    if customer.years > 5:\n        return price * 0.8\n    if customer.years > 2:\n        return price * 0.9\n    return price",
  "function area(shape) {\n  if (shape.kind === 'circle') {\n    return Math.PI * shape.radius ** 2;\n  }\n  return shape.width * shape.height;\n}",
  "def gcd(a, b):\n    while b:\n        a, b = b, a % b\n    return a",
  "class Account:\n    def __init__(self, owner):\n        self.owner = owner\n        self.balance = 0\n\n    def deposit(self, amount):\n        self.balance += amount\n\n    def withdraw(self, amount):\n        if amount > self.balance:\n            raise ValueError('not enough money')\n        self.balance -= amount",
  "def bubble_sort(items):\n    for i in range(len(items)):\n        for j in range(len(items) - 1 - i):\n            if items[j] > items[j + 1]:\n                items[j], items[j + 1] = items[j + 1], items[j]\n    return items",
  "function debounce(callback, delay) {\n  let timer;\n  return (...args) => {\n    clearTimeout(timer);\n    timer = setTimeout(() => callback(...args), delay);\n  };\n}",
  "def read_scores(path):\n    scores = {}\n    with open(path) as file:\n        for line in file:\n            name, score = line.strip().split(',')\n            scores[name] = int(score)\n    return scores",
];
