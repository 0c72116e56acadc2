// Makes or renews one MongoDB user a service, who reads and writes that service's database and no other, and
// one for administrators where they are wanted. Told by the environment: ADMIN_URL, and USERS as
// [{name, user, databases}]; a user's password is in PASSWORD_<NAME>. Running it again changes passwords to
// those of the Secrets, and no more.
const users = JSON.parse(process.env.USERS);
const admin = connect(process.env.ADMIN_URL).getSiblingDB("admin");
for (const { name, user, databases } of users) {
  const pwd = process.env["PASSWORD_" + name.toUpperCase()];
  const roles = databases.map((db) => ({ role: "readWrite", db }));
  const known = admin.getUser(user);
  if (known) {
    admin.updateUser(user, { pwd, roles });
  } else {
    admin.createUser({ user, pwd, roles });
  }
  print(`${user}: ${known ? "renewed" : "made"}, readWrite on ${databases.join(", ")} and nothing else`);
}
