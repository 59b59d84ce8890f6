package books

// Everything named here is invented; likeness to a real name is chance.
var (
	firstNames = []string{"Ada", "Noor", "Mateo", "Ines", "Jonas", "Priya", "Tomas", "Leila", "Hugo", "Mira", "Oskar", "Yara"}
	lastNames  = []string{"Aldersey", "Brandvold", "Castellan", "Dunmore", "Ekwensi", "Farrowby", "Halvorsen", "Ishikura", "Marlowe-Reyes", "Okonjo", "Silvaro", "Wrenfield"}
	friends    = []string{"Noor B.", "Jonas F.", "Mira H.", "Hugo S.", "Leila O."}

	employers = []string{"Alder & Finch Studio", "Meridian Toolworks", "Copperfield Clinics", "Quillstone Press", "Harrow Bay Schools"}

	cafes       = []string{"Copper Kettle Coffee", "Ninth Bean", "Tidewater Transit", "Little Oven Bakery", "Tidewater Transit"}
	grocers     = []string{"Marigold Market", "Fieldgate Grocers", "Orchard & Vine", "Marigold Market"}
	restaurants = []string{"Saltgrass Bistro", "The Blue Door", "Tomo Noodle House", "Casa Almendra", "Pico Pizza Works"}
	fuel        = []string{"Kestrel Fuel", "Roadrunner Energy Stop"}
	shops       = []string{"Bluebird Books", "Wren Hardware", "Fernway Pharmacy", "Loom & Thread", "Pebble Electronics", "Greenhouse No. 4"}
	travels     = []string{"Skylark Airways", "Hotel Meridiana", "Northbound Rail", "Cabana Rentals"}
	euroShops   = []string{"Bäckerei Sommerkorn", "Markthalle Süd", "Café Brückenkopf", "Stadtbahn Lindau"}
)

// subscriptions are paid by card on their day of the month.
var subscriptions = []struct {
	payee, category string
	day             int
	minor           int64
}{
	{"Halcyon Streaming", "Entertainment", 4, 1599},
	{"Larkspur Music", "Entertainment", 11, 1099},
	{"The Evening Register", "News", 17, 900},
	{"Juniper Fitness", "Health", 6, 3900},
	{"Cloudshelf Storage", "Software", 23, 299},
}

// bills are paid from the current account; power follows the seasons.
var bills = []struct {
	payee, category string
	day             int
	low, high       int64
}{
	{"Lantern Power & Light", "Utilities", 9, 6800, 16900},
	{"Brookside Water", "Utilities", 13, 3200, 5800},
	{"Pinecone Mobile", "Utilities", 19, 4500, 4500},
	{"Fernhill Fiber", "Utilities", 21, 6500, 6500},
	{"Northlight Insurance", "Insurance", 7, 14350, 14350},
}
