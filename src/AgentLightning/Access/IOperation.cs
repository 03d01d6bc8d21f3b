namespace AgentLightning.Access;

/// <summary>
/// Marks a class as a use case of the product: the one way in for REST, the command line, tools and every other door. Each of its public
/// methods takes the caller's <see cref="Scope"/> first, asks it for the role that is needed, authorises by it the record that is really
/// used, and returns records or throws a typed refusal. A door only maps onto operations and holds no rule; tests hold both to it.
/// </summary>
public interface IOperation;
