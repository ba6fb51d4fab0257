package load

// Names of several cultures, put together at random: whoever is called so is meant by none of them.
var givenNames = []string{
	"Aaliyah", "Adaeze", "Aiko", "Ama", "Amara", "Amina", "Ana", "Andrzej", "Anh", "Anjali", "Arjun", "Astrid", "Beatriz", "Bilal", "Camila",
	"Carlos", "Chidi", "Chloe", "Daniel", "Darius", "Dmitri", "Elena", "Elijah", "Emeka", "Emily", "Esperanza", "Fatima", "Fernando", "Giulia",
	"Grace", "Hana", "Hannah", "Hassan", "Hiroshi", "Ifeoma", "Imani", "Isabel", "Isaiah", "Jae", "James", "Jasmine", "Javier", "Jin", "Jorge",
	"José", "Kai", "Kavya", "Keisha", "Khalid", "Kwame", "Lakshmi", "Leilani", "Liam", "Linh", "Lucía", "Luis", "Magdalena", "Malik", "Mariam",
	"Mateo", "Mei", "Michael", "Miguel", "Minh", "Mohammed", "Naomi", "Natasha", "Neha", "Ngozi", "Noah", "Nura", "Olga", "Olivia", "Omar",
	"Oscar", "Paolo", "Priya", "Rafael", "Rahul", "Rosa", "Ruth", "Samira", "Samuel", "Sofia", "Soo-jin", "Stella", "Sunita", "Tala", "Tariq",
	"Teresa", "Thanh", "Thomas", "Valentina", "Wei", "William", "Ximena", "Yasmin", "Yuki", "Yusuf", "Zofia",
}

var familyNames = []string{
	"Abdi", "Adeyemi", "Aguilar", "Ahmed", "Alvarez", "Anderson", "Bautista", "Begay", "Bennett", "Bianchi", "Boateng", "Brooks", "Campbell",
	"Castillo", "Chaudhry", "Chen", "Choi", "Cohen", "Cruz", "Dang", "Daniels", "Das", "De León", "Delgado", "Diallo", "Diaz", "Dubois", "Edwards",
	"Espinoza", "Fernandez", "Fischer", "Flores", "Foster", "Garcia", "Gomez", "Gonzalez", "Greene", "Gupta", "Haddad", "Hansen", "Harris",
	"Hashimoto", "Hernandez", "Hoang", "Huang", "Hussein", "Ibrahim", "Ivanova", "Iyer", "Jackson", "Jensen", "Johnson", "Kahale", "Kang", "Kapoor",
	"Kaya", "Khan", "Kim", "Kowalski", "Kumar", "Larsen", "Lê", "Lee", "Levy", "Li", "Lin", "Lopez", "Mahmoud", "Martinez", "Mbeki", "Medina",
	"Mehta", "Mendoza", "Mitchell", "Morales", "Moreau", "Murphy", "Nakamura", "Nasser", "Ndiaye", "Nguyễn", "Novak", "Nwosu", "O'Brien", "Okafor",
	"Olsen", "Ortiz", "Osei", "Park", "Patel", "Perez", "Petrov", "Pham", "Phillips", "Quinn", "Rahman", "Ramirez", "Reddy", "Reyes", "Rivera",
	"Robinson", "Rodriguez", "Romero", "Rossi", "Ruiz", "Salazar", "Sánchez", "Santos", "Sato", "Schmidt", "Sharma", "Silva", "Singh", "Smith",
	"Stewart", "Sullivan", "Suzuki", "Tanaka", "Taylor", "Thompson", "Torres", "Tran", "Tsosie", "Turner", "Vargas", "Vasquez", "Vo", "Walker", "Wang",
	"Washington", "Weber", "Williams", "Wong", "Yamamoto", "Yang", "Yilmaz", "Zhang", "Zimmermann",
}
