package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

// main registers the handler before Capsule calls it.
func main() {
	hf.SetHandle(Handle)
}

func Handle(params []string) (string, error) {
	bucketName, _ := hf.GetEnv("COUCHBASE_BUCKET")
	query := "SELECT * FROM `" + bucketName + "`.data.docs"
	jsonStringArray, err := hf.CouchBaseQuery(query)
	if err != nil {
		hf.Log(err.Error())
	}
	return jsonStringArray, err
}
