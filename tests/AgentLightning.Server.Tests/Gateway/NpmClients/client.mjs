// Talks through the gateway as an application does: only the base URL is another. Prints what it was told, as JSON.
// Usage: node client.mjs openai|ai BASE-URL plain|stream|broken
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const [client, baseURL, way] = process.argv.slice(2);
const question = [{ role: "user", content: "Where is order 42?" }];
const told = { text: "", pieces: 0, error: null };

if (client === "openai") {
  const openai = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
  try {
    if (way === "plain") {
      const { data, response } = await openai.chat.completions.create({ model: "agent:shop", messages: question }).withResponse();
      told.text = data.choices[0].message.content;
      told.id = data.id;
      told.episode = response.headers.get("x-lightning-episode-id");
      told.models = (await openai.models.list()).data.map((model) => model.id);
    } else {
      const stream = await openai.chat.completions.create({ model: "agent:shop", messages: question, stream: true });
      for await (const chunk of stream) {
        told.id = chunk.id;
        told.text += chunk.choices[0]?.delta?.content ?? "";
        told.pieces++;
      }
    }
  } catch (error) {
    told.error = error.message;
  }
} else {
  const model = createOpenAICompatible({ name: "lightning", baseURL, apiKey: "none" })("agent:shop");
  if (way === "plain") {
    const answer = await generateText({ model, prompt: question[0].content, maxRetries: 0 });
    told.text = answer.text;
    told.usage = answer.usage.totalTokens;
  } else {
    const stream = streamText({ model, prompt: question[0].content, maxRetries: 0, onError: ({ error }) => (told.error = error.message ?? `${error}`) });
    for await (const piece of stream.textStream) {
      told.text += piece;
      told.pieces++;
    }
  }
}

console.log(JSON.stringify(told));
