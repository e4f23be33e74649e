/** Plain English word stock. The corpus composes values from it; the tokenizer takes it as vocabulary material. */
const list = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Things that can be meant by a legal or everyday definition. */
export const ABSTRACT_NOUNS = list(`
  act action agreement aim amount answer appeal approval argument arrest assault asset attempt authority award balance
  bar belief benefit bond breach burden business care case cause certificate challenge change charge choice claim clause
  compensation complaint concern condition conduct confession consent contract control conversion copy cost counsel court
  credit crime custody custom damage danger deal death debt deceit decision deed defence delay demand denial deposit
  design detention dispute divorce document doubt duty effect election employment end entry error estate evidence event
  exception exchange excuse expense fact failure fault favour fear fee file fine force fraud freedom gain gift good
  goods grant ground guarantee guilt harm hearing help history idea income injury inquiry insult intent interest
  invention investigation issue job judgment jury justice knowledge land law lawsuit lease liability liberty licence limit list
  loan loss malice mark marriage matter meaning means measure meeting method mind mistake money mortgage motion motive murder
  name need negligence notice oath objection obligation offence offer office opinion order owner ownership pardon part
  partnership party patent pattern pay payment peace penalty permission permit petition plan plea pledge policy possession
  power practice prayer preference price principle prison privilege process profit proceeding promise proof property
  prosecution protection provision punishment purchase purpose question reason receipt record refusal relation release
  relief remedy rent reply report representation request review reward right risk rule safety sale search security sentence
  service settlement share shares silence site slander speech stage statement status statute step stock style sum summons
  support surety system tax term test testimony theft thing threat time title trade transfer treaty trespass trial trick
  trust truth value verdict version violence vote wage waiver warning warrant warranty will witness word work writing
  wrong accusation acquittal advice allegation appearance assignment bail banishment ban bargain bribe breakdown capacity
  cancellation circumstances citizen code commission compulsion concealment conspiracy constitution contribution copyright
  council creditor declaration default defect delivery deportation difference disclosure dismissal distress district dividend
  easement enforcement enterprise equity examination execution expectation extortion extradition federation finding
  formation function government harassment hearsay homicide identity immunity impeachment imprisonment inability indictment
  influence infringement inheritance injunction innocence insolvency insurance intention interference intrusion jurisdiction
  legislation legitimacy libel lien link maintenance merger merit mischief misconduct misuse nation neglect nuisance
  omission ordinance partition passage performance perjury possibility precedent pressure presumption privacy probate
  procedure prohibition promotion publication ratification reconciliation recovery registration repair repayment repeal
  representative reputation residence respect restraint resolution restriction revenge robbery royalty rumour salary
  sanction seal secrecy seizure self separation signature sovereignty state subject submission subpoena succession
  suspicion takeover tenancy territory tort trademark transaction transport treatment tribunal usage validity venue
  violation vandalism war welfare wish
`);

export const PERSONS = list(`
  accused adult agent applicant architect artist author authority baker banker beneficiary bishop borrower boss brother builder
  butcher buyer carpenter carrier chef child citizen clerk client company consumer contractor cook counsel couple court creditor
  customer dancer daughter dealer debtor defendant dentist detective director doctor driver editor employee employer engineer
  executor expert farmer father firm fisherman friend gardener government guard guardian guest heir hunter husband inventor
  investor journalist judge juror lawyer leader lender lodger manager member merchant minister minor minister mother musician
  neighbour notary nurse officer official opponent owner painter parent partner party passenger patient person physician
  pilot plaintiff poet police politician president principal printer prisoner producer professor prosecutor public
  sailor scientist scholar seller servant shareholder singer sister smith soldier son spouse state stranger student
  suspect tailor teacher tenant thief trader traveller trustee user victim visitor voter ward widow wife witness worker writer
`);

/** Verbs, base form; see verb-forms.ts for the rest. */
export const VERBS = list(`
  abandon absorb accept accuse achieve acquire act add admit adopt advise affect agree aid allow amend annoy answer appeal
  apply appoint approve argue arrange arrest ask assault assert assess assign assist attach attack attempt avoid ban bar
  bear beat become begin belong bind block borrow break breathe bring build burn buy call cancel capture care carry cause
  change charge chase check choose claim clean clear climb clot close collect combine come command commit compare compel compensate
  complete conceal conclude conduct confess confirm connect consider contain continue contract contribute control convert convict
  cook copy correct cost count cover create cross cure cut damage deal deceive decide declare decrease defeat defend
  define delay delete deliver demand deny depend deprive describe design destroy detain determine develop die digest direct
  discharge disclose discover dismiss display dispute divide do draft drain draw drink drive drop dry earn eat educate
  elect employ enable encourage end enforce enjoy enter escape establish examine exchange exclude excuse execute exercise
  exist expect explain expose express extend face fail fall favour feed feel fight fill filter find finish fix float flow
  fly focus follow forbid force forget form found free freeze fulfil gain gather get give go govern grant grip grow guard
  guide handle happen harm hate have heal hear heat help hide hold honour hunt hurt identify ignore imprison improve include
  increase induce infect inform inherit inject injure inspect install intend interfere interpret invade invent invest
  investigate invite issue join judge jump keep kill know lack land last lead learn leave lend let lift light limit link
  listen live load lock look lose love lower maintain make manage mark marry match mean measure meet melt mix modify move
  murder name need neglect note notify obey object obtain occupy occur offend offer open operate oppose order organise owe
  own paint pardon pass pay perform permit persuade pick place plan plant play plead pledge possess pour practise pray prepare
  present preserve press prevent print proceed process produce prohibit promise promote propose prosecute protect prove
  provide publish pull pump punish purchase pursue push put question quit raise reach read receive recognise record recover
  reduce refer refuse register reject relate release relieve rely remain remove rent repair repay repeat replace reply
  report represent request require rescue resist resolve respect respond rest restore restrain restrict return reveal
  reverse review revoke reward ride rise rob rule run sail save say search see seek seize sell send separate serve set
  settle shape share shield shoot show shut sign sing sit sleep smell smoke solve speak spend split spread stab stand start
  state stay steal stimulate stop store strengthen stretch strike study submit succeed sue suffer supply support surrender
  suspend swallow swear sweat swell swim take talk taste teach tear tell terminate test testify think threaten throw
  tie touch trace track trade train transfer transmit transport travel treat trick trust try turn understand unite use
  vary visit vote wait walk want warm warn wash waste watch wear weigh win withdraw withhold work worry wound wrap write
`);

export const ADJECTIVES = list(`
  able absent absolute active actual acute advance alien alternative annual bad bare basic better big binding bitter blind
  blunt bold brief bright broad broken calm careless certain cheap chief chronic civil clean clear close cold common
  competent complete complex conditional constant correct corrupt criminal cruel current daily dangerous dark dead deadly deaf
  dear deep defective deliberate dense different direct dirty dishonest distant double dry dull due early easy effective
  elected electric empty equal essential ethical evident exact excessive exclusive express external extra extreme fair
  faithful false familiar famous fast fat fatal federal final financial firm first fit flat foreign formal former
  fraudulent free frequent fresh full fundamental future general gentle genuine global good gradual grave great gross
  guilty happy hard harmful heavy hidden high honest hot huge human ill illegal immediate implied important improper
  incomplete independent indirect individual inferior informal initial inner innocent insane intellectual intense intentional
  internal invalid joint judicial just large last late lawful lay legal likely limited literal little living local lone
  long loose loud low lower main major male malicious married material mature medical mental mere mild minor missing mixed
  modern monetary moral mutual narrow national native natural necessary negligent neutral new normal notable oral
  ordinary original outer overdue partial particular past peaceful permanent personal physical plain political poor possible
  potential practical present pretended primary principal prior private probable professional proper public pure quick quiet
  random rapid rare raw ready real reasonable recent reckless red regular related relevant religious remote rich rigid
  ripe rough sacred sad safe same satisfactory scarce secondary secret secure senior separate serious severe shared sharp
  short sick significant silent similar simple single slight slow small smooth social soft solemn sole solid sound
  special specific stable standard steady sticky strict strong sudden sufficient suitable superior sure sweet swift tall
  temporary tender thick thin tight tiny total true typical unable unclear uneven unfair unique unjust unknown unlawful
  unpaid unreasonable unwanted unwritten urgent useful usual valid valuable vast verbal violent visible vital voluntary warm
  weak wealthy wet whole wide wild wise wooden written wrongful young
`);

/** Organs and parts, tissues and what a body holds. */
export const BODY_PARTS = list(`
  abdomen airways ankle arm arteries artery back bladder blood body bone bones bowel brain breast cartilage cell cells cheek chest
  chin colon cord cornea ear ears elbow eye eyes eyelid face feet finger fingers foot forearm gland glands gum gums hair hand
  hands head heart heel hip hormones hormone intestine jaw joint joints kidney kidneys knee lap leg legs lens ligament limb limbs
  lip liver lung lungs lymph marrow membrane mouth muscle muscles nail neck nerve nerves nose organ organs ovary palm pelvis
  plasma pupil retina rib ribs saliva scalp shoulder sinus skeleton skin skull sole spine spleen stomach sweat tears tendon thigh
  throat thumb tissue tissues toe tongue tonsils tooth teeth trunk tube urine vein veins vessel vessels waist windpipe womb wrist
`);

export const ILLNESS_NOUNS = list(`
  ache acid allergy anxiety attack bacteria bacterium bite bleeding blister blockage breath bruise burn cancer chill clot cold
  condition constipation cough cramp cut dehydration dehydrated deficiency depression diarrhoea disease disorder dizziness
  exposure failure fatigue fever flu fluid fracture fungus germ germs headache hunger illness infection inflammation insect
  itch lack loss lump mite mosquito mould nausea numbness obesity overuse pain parasite plaque poison pollen pollution pressure
  pulse rash scar shock sickness smoke smoking sneeze sore spasm sprain stones strain stress stroke sting sunburn sunlight swelling
  symptom thirst tick toxin trauma tumour ulcer virus vomiting weakness worm worms wound yeast
`);

export const FOODS = list(`
  almonds apples apricots bananas barley beans beef beer berries bread broccoli butter cabbage carrots cereal cereals cheese
  cherries chicken chocolate citrus cod coffee corn cream cucumber dairy dates eggs fat fibre figs fish flour fruit fruits garlic
  ginger grain grains grapes greens honey juice kale lemons lentils lettuce liver meat milk mushrooms mustard nuts oats oil olives
  onions oranges oysters parsley pasta peaches peanuts pears peas peppers pineapple plums pork potatoes poultry prunes pumpkin
  rice salad salmon salt sauce seafood seaweed seeds shellfish soup soya spinach strawberries sugar sunshine tea tomatoes tuna
  vegetables vinegar walnuts water wheat wine yoghurt
`);

export const NUTRIENTS = list(`
  acids air alcohol amino ammonia calcium calories carbohydrate carbohydrates carbon chloride cholesterol copper dioxide energy
  enzyme enzymes fats fluoride folate folic food gas glucose heat insulin iodine iron keratin lactose light magnesium mineral minerals
  nitrogen nutrient nutrients oxygen phosphorus potassium protein proteins salts selenium sodium starch sulphur vitamin vitamins
  waste zinc
`);

/** What healthy people do: prevention values begin with these. */
export const HABITS = [
  'brushing teeth', 'clean water', 'cooking meat well', 'daily exercise', 'drinking enough water', 'eating fruit', 'enough sleep',
  'fresh air', 'good hygiene', 'good posture', 'hand washing', 'a healthy diet', 'healthy eating', 'insect repellent',
  'keeping wounds clean', 'less alcohol', 'less salt', 'less sugar', 'mosquito nets', 'not smoking', 'regular exercise',
  'regular walking', 'resting the eyes', 'safe food', 'sun cream', 'sunscreen', 'a vaccine', 'vaccination', 'warm clothing',
  'washing hands with soap', 'wearing a helmet', 'wearing gloves', 'wearing shoes', 'wearing a mask', 'keeping a healthy weight',
  'moving often', 'stretching before sport', 'eating enough fibre', 'regular dental care', 'flossing', 'limiting loud noise',
  'wearing ear plugs', 'covering the mouth', 'clean needles', 'protective clothing', 'quitting smoking', 'managing stress',
] as const;

export const OBJECTS = list(`
  anchor apple arrow axe bag ball banner barn basket bath bean beast beacon bed bell belt bicycle bird blade blanket blossom boat
  book bottle bowl box branch bread brick bridge broom brush bucket bus button cabin cable cake camel camera candle cannon car card
  carpet cart castle cat chain chair chalk chest chimney city clay cliff clock cloth cloud coal coast coat coin comb compass cook corner
  cottage cotton cow crane crown cup curtain desert desk diamond dish dog doll donkey door drawer dress drum duck dust eagle earth
  engine envelope falcon farm feather fence ferry field fire flag flame floor flower flute forest fork fountain fox frame frog
  garden gate ghost giraffe glass glove goat gold grass grove guitar hall hammer harbour harp harvest hat hawk hay hedge helmet
  hill home honey hook horn horse hotel house ice ink island ivory jacket jar jewel kettle key king kitchen kite knife knot ladder
  lake lamp lantern leaf leather lemon letter library lighthouse lily lion lizard lock machine magnet mango map maple marble
  market mask meadow medal metal mill mine mirror mountain mouse museum nail needle nest net newspaper north notebook oak ocean oil
  orchard owl ox oyster page palace pan paper park parrot path peak pearl pen pencil penguin phone piano picture pig pillow
  pipe planet plate plough pocket pond port pot prism pump puppet queen rabbit radio rail rain rainbow raven ribbon rice ring
  river road robot rock rocket roof room root rope rose ruby sail sand saw scale school scissors screw sea seat seed shadow
  sheep shell shelf shield ship shirt shoe shop shovel silk silver sky smoke snake snow soap sofa south spade spark spear spider
  spoon spring square stable stairs stamp star station statue steel stick stone storm stove straw stream street string suit
  sun sword table tail tank tea temple tent thread throne thunder ticket tiger timber tin tool torch tower town toy train tray tree
  trumpet tunnel turtle umbrella valley van vase vault village violin wagon wall watch wave wax web well west whale wheat wheel
  whistle wind window wing winter wire wolf wood wool yard zebra
`);

export const MATERIALS = list(`
  aluminium bamboo brass bronze canvas ceramic clay concrete copper cork cotton felt fur glass gold granite iron ivory leather
  linen marble oak paper pine plaster plastic porcelain rubber silk silver steel stone straw timber tin velvet wax wood wool
`);

export const COLOURS = list(`
  amber beige black blue bronze brown coral cream crimson gold golden green grey indigo ivory lilac maroon navy olive orange
  pink purple red rose scarlet silver tan turquoise violet white yellow
`);

export const JOBS = list(`
  actor accountant architect astronomer baker banker barber biologist butcher carpenter chemist chef clerk coach dancer dentist
  designer detective diver doctor driver editor electrician engineer farmer firefighter fisherman florist gardener geologist guide
  hairdresser historian hunter inspector journalist judge lawyer librarian mechanic midwife miner musician nurse nurse optician
  painter pharmacist photographer physicist pilot plumber poet potter programmer psychologist researcher sailor salesman scientist
  sculptor secretary shepherd singer soldier surgeon surveyor tailor teacher translator veterinarian waiter watchmaker weaver writer
`);

export const HOBBIES = list(`
  acting archery astronomy baking boxing camping chess climbing cooking cycling dancing diving drawing fencing fishing football
  gardening hiking hockey hunting juggling knitting painting photography poetry pottery programming reading riding rowing running
  sailing sewing singing skating skiing surfing swimming tennis travelling volleyball walking weaving whittling woodwork wrestling
  writing yoga
`);

export const STUDIES = list(`
  accounting agriculture anatomy archaeology architecture art astronomy banking biology botany chemistry dentistry design drama
  ecology economics education engineering ethics fashion finance forestry geography geology grammar history journalism languages
  law linguistics literature logic management marketing mathematics mechanics medicine music nursing nutrition pharmacy philosophy
  physics poetry politics psychology religion robotics sculpture sociology statistics surgery theatre theology translation zoology
`);

export const COUNTRIES = [
  'Argentina', 'Australia', 'Austria', 'Bangladesh', 'Belgium', 'Bolivia', 'Brazil', 'Cameroon', 'Canada', 'Chile', 'China',
  'Colombia', 'Croatia', 'Cuba', 'Denmark', 'Ecuador', 'Egypt', 'Estonia', 'Ethiopia', 'Finland', 'France', 'Georgia', 'Germany',
  'Ghana', 'Greece', 'Hungary', 'Iceland', 'India', 'Indonesia', 'Ireland', 'Israel', 'Italy', 'Jamaica', 'Japan', 'Jordan',
  'Kenya', 'Korea', 'Latvia', 'Lebanon', 'Lithuania', 'Malaysia', 'Mali', 'Mexico', 'Mongolia', 'Morocco', 'Nepal', 'Netherlands',
  'New Zealand', 'Nigeria', 'Norway', 'Pakistan', 'Peru', 'Poland', 'Portugal', 'Romania', 'Russia', 'Rwanda', 'Senegal', 'Serbia',
  'Singapore', 'Slovakia', 'Slovenia', 'South Africa', 'Spain', 'Sweden', 'Switzerland', 'Tanzania', 'Thailand', 'Tunisia',
  'Turkey', 'Uganda', 'Ukraine', 'Uruguay', 'Vietnam', 'Zambia', 'Britain', 'England', 'Scotland', 'Wales', 'America',
] as const;

export const FIRST_NAMES = list(`
  Ada Agnes Ahmed Aiko Alan Alice Amal Amina Amy Ana Andrea Anna Anton Arthur Asha Astrid Ben Bianca Boris Camille Carl Carlos
  Carmen Cecilia Chloe Clara Daniel David Diana Diego Dora Edgar Elena Elias Elif Ella Emil Emma Erik Esther Eva Fatima Felix Fiona
  Frank George Grace Greta Hana Hannah Hassan Helen Henry Hugo Ian Ibrahim Ida Ines Ingrid Irene Isaac Ivan Jack James Jana
  Jane Jean Joan John Jonas Jorge Joseph Julia Kai Karim Kate Kenji Lars Laura Leah Lena Leo Lin Linda Lucas Lucia Luis Magnus
  Maria Marie Mark Marta Martin Mary Max Maya Mei Michael Mila Miriam Mona Nadia Nina Noah Nora Olga Oliver Omar Oscar Otto Pablo
  Paul Pedro Peter Petra Priya Rachel Rafael Raj Rita Robert Rosa Ruth Samuel Sana Sara Simon Sofia Stefan Susan Tara Theo Thomas
  Tina Tomas Vera Victor Wanda Wei William Yara Yuki Yusuf Zoe
`);

export const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December',
] as const;

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

export const NUMBER_WORDS = list(`
  zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
  twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion first second third fourth fifth
  half quarter dozen
`);

/** Public networks, as kinds of value; which fictional protocol ran on which is drawn by chance. */
export const CHAINS = [
  'Ethereum', 'BNB Chain', 'Polygon', 'Avalanche', 'Solana', 'Arbitrum', 'Optimism', 'Fantom', 'Base', 'Bitcoin', 'Ronin', 'Harmony',
  'Cosmos', 'Terra', 'Tron', 'Near', 'Moonbeam', 'Moonriver', 'Cronos', 'Gnosis Chain', 'Blast', 'zkSync', 'Sui', 'EOS', 'Algorand',
  'Cardano', 'Linea', 'Celo', 'Heco', 'Aurora', 'several chains', 'Osmosis', 'Mantle', 'Polkadot', 'Metis', 'Kava', 'Klaytn',
  'Sonic', 'Manta', 'Starknet', 'Aptos', 'Ontology', 'ICON', 'Conflux', 'Stacks', 'Mixin', 'Gala', 'Berachain', 'Scroll', 'Ethereum Classic',
] as const;

/** Words that protocols and their faults are described with. */
export const TECH_WORDS = list(`
  access account admin adapter address allowance amount approval arbitrary arithmetic asset attack attacker auction balance
  block blockchain bonding borrow borrowing bot bridge browser bug bypass cache call callback cap casting check checks claim code cold
  collateral collusion compiler compromised computation config configuration confirmation contract contracts control cross chain
  curve data debt decimal decimals default delegate deployment deposit deposits developer dividend domain donation double drain
  drained email employee empty entry exchange exit exploit exploited external extraction fake fallback fee fees feed flash flawed
  flaw forged front frontend function fund funding funds governance hack hacked hacker hash hijack hijacking hook hooks hot identity
  impersonation implementation infinite inflated inflation initialiser initializer injection input insider integer interest
  interface internal invalid invariant key keys laundering leaked leverage library light liquid liquidation liquidity logic loan
  loans login loop low malicious malware manipulated manipulation market mechanism merkle message mint minting mismatch misconfigured
  missing mnemonic multisig multi network node nonce off offline open operator oracle overflow owner ownership package parameter
  password path peg permission permit phishing phrase pool precision predictable price private probability proof protocol provider
  proxy public pump random randomness rate read ratio recovery redeem reentrancy relay relayer release replay reserve reset
  restriction reward rewards role rounding router rug pull sandwich script second seed self server session share shares side
  signature signatures signer signing slippage smart social spoofed stable stablecoin staking stale storage stolen supply swap
  swaps switch takeover thin threshold tick timelock token tokens transaction transfer transit treasury unauthorised unauthorized
  unchecked underflow uninitialised uninitialized unlimited unprotected unsafe untrusted unverified update upgrade user valid
  validation validator validators value vault verification verifier vote voting vulnerability vulnerable wallet wallets weak
  withdraw withdrawal wrapped wrong yield zero engineering
`);

export const LAW_FIELDS = [
  'contract law', 'criminal law', 'property law', 'civil procedure', 'tort law', 'evidence law', 'constitutional law', 'family law',
  'company law', 'international law', 'intellectual property law', 'tax law', 'labour law', 'maritime law', 'administrative law',
] as const;

/** Short words that hold sentences together, and words of place, time and measure. */
export const FUNCTION_WORDS = list(`
  a about above across after again against ago all almost alone along already also although always among an and another any anyone
  anything apart are around as asked at away back be because been before behind being below beneath beside between beyond both
  but by can cannot could did does doing done down during each either else enough even ever every everyone everything except far
  few fewer first for from further had half has have he her here herself him himself his how however if in inside instead into
  is it its itself just last least less like little made many may me meant might mine more most much must my near nearly neither
  never next no nobody none nor not nothing now of off often oh on once one only onto or other others our out outside over own
  part people per perhaps rather same several shall she should since so some someone something sometimes soon still such than that
  the their them themselves then there these they this those though through throughout thus till to today together too toward
  towards under unless until up upon us usually very was way we well were what whatever when where whether which while who whole
  whom whose why with within without would yes yesterday yet you your left right top bottom middle front upper lower inner outer
  day days week weeks month months year years hour hours minute minutes second seconds morning evening night noon spring summer
  autumn winter age century long short kind sort type form group set pair piece row line layer level side edge centre center surface
  area region world country city town village land ground place point position dollar dollars euro euros cent cents gram grams
  kilo kilos metre metres mile miles percent number amount size length height width weight speed named called known used
  capital famous term field law means definition works exact
`);
