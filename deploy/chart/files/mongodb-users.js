// Makes or renews one MongoDB user a service, who reads and writes that service's database and no other.
// Told by the environment: ADMIN_URL, and USERS as [{service, user, database}]; the password of a service
// is in PASSWORD_<SERVICE>. Running it again changes passwords to those of the Secrets, and no more.
const users = JSON.parse(process.env.USERS);
const admin = connect(process.env.ADMIN_URL).getSiblingDB("admin");
for (const { service, user, database } of users) {
  const pwd = process.env["PASSWORD_" + service.toUpperCase()];
  const roles = [{ role: "readWrite", db: database }];
  const known = admin.getUser(user);
  if (known) {
    admin.updateUser(user, { pwd, roles });
  } else {
    admin.createUser({ user, pwd, roles });
  }
  print(`${user}: ${known ? "renewed" : "made"}, readWrite on ${database} and nothing else`);
}
