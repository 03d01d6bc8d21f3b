// A shop's agent in Microsoft Agent Framework. A few scripted lines stand for the model; any IChatClient takes their place.
// The address of the Lightning server is the first argument; questions come one a line from standard input.
using AgentLightning.Client;
using ChatAgent;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

var findOrder = AIFunctionFactory.Create((string number) => $"order {number}: on its way", "find_order", "State of an order");

// The two lines that capture: one for the application, one for the agent.
await using var services = new ServiceCollection()
    .AddLightning(options => (options.Endpoint, options.AgentId) = (new Uri(args[0]), "shop"))
    .BuildServiceProvider();
var agent = new ChatClientAgent(new ScriptedChatClient(), "Tell customers about their orders.", tools: [findOrder])
    .AsBuilder()
    .Use(inner => inner.UseLightning(services))
    .Build();

var tracker = services.GetRequiredService<AgentTracker>();
var session = await agent.CreateSessionAsync();
while (Console.ReadLine() is { Length: > 0 } question)
{
    var answer = await agent.RunAsync(question, session);
    Console.WriteLine($"{answer.GetEpisodeId()}\t{answer.Text}");
    tracker.UpdateReward(answer.GetEpisodeId()!, answer.Text.Contains("42", StringComparison.Ordinal) ? 1 : 0, "order_named");
}
