/** The words that plain definitions of law, health and money use most: worth a token of their own. */
export const COMMON_WORDS = `
  a about access account act action after against agreement air all allows amount an and animal another any are area around arm as
  asked asset at attack away back bad bank bar base be because become been before behind being below belongs benefit between blocks
  blood body bone bones both brain break breaking bridge brings broken bug building built by called can care carried carries
  carry case cause caused causes cell cells chain change charge check chest child claim clean clear close cold company complete
  compromised condition contract control copy cost could court cover crime criminal cross damage damaging danger data day days dead death
  debt decision deep defence deny denying deposit digest digests disease dispute do doctor document does dollars done down drain
  drinking due duty each ear early eating egg eggs eye eyes enough error evidence exchange exercise face fact failure fair fake false family
  fat fault feel fever few field filters fine first fish flash fluid food foods for force forced forged form formal found free fresh from front
  fruit full function funds gas get gives giving good goods government green group growth guilty hair half hand hands happen
  hard harm has have head healthy hear heart heat held help helps her high hip his hold holding home hormone hours house how human if ill immune
  in income infection injury inner inside interest intent into iron is it its joint joints judge jury keep keeping keeps key
  keys kidney kidneys kill kind knee know known lack land large law lawful lawyer leg legal leafy less liability life lifelong light like
  limit line liver loan local logic long loss lost low lower lung lungs made main make makes making manipulation many market matter
  meaning means meat medical medicine message milk million mind minerals missing mistake money month more mosquito most mother mouth
  much muscle muscles must name narrow near neck nerve nerves new no normal nose not notice number oath of off offer oil old on one only
  open or oracle order organ other out outer outside over own owed owner oxygen pain part party parts passing past pay paying payment people
  performance permanent permission person place plain plant plants pool poor power prevent price private procedure process produces
  promise proof property protect protects protein proved proves public pump pumps put question reason record red reduce
  refusal regular releases removes request responsibility right rights risk role rule same says sea second seeing sell sends serious
  service set shared short side signature sign signed skin sleep small smart smoking smoothly social some someone something
  sound source spine spread spreads stage state statement stolen stomach stop stops store stores strong study such sudden sugar
  suit sun swelling system taken taking term test than that the their them there thick thin thing things throat through time tissue
  title to token too tooth teeth touch transfer treatment trial trust tube two under unlawful unpaid until up upper use used user using
  validation validator value vegetables vessels virus vitamin vote voting walls wallet was washing waste water way weak weight well what when
  where which who whole wild with withdrawal without witness wall words work worker world written wrong years young your
  flaw hijack governance infinite mint overflow phishing private reentrancy replay rounding takeover unchecked uninitialized signer
  Finance Protocol Network Bridge Swap DAO Exchange Markets Wallet Ethereum BNB Polygon Avalanche Solana Arbitrum Fantom
  January February March April May June July August September October November December
`
  .trim()
  .split(/\s+/);
